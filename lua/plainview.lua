-- Notifies Plainview of every stored instance that may be a radiograph. For Orthanc's `LuaScripts`.
--
-- Environment of Orthanc:
--   PLAINVIEW_HOOK_URL      address of Plainview's hook (http://127.0.0.1:8104/hook)
--   PLAINVIEW_SECRET        the secret shared with Plainview, or
--   PLAINVIEW_SECRET_FILE   a file that contains it. The secret is not sent: only a key that is made from it, and that
--                           opens nothing but the hook
--   PLAINVIEW_HOOK_QUIET_S  seconds without notices after a first failure (30). Each further failure doubles them,
--                           up to eight times the value.
--
-- Orthanc answers no request while this script waits. So the script waits one second at most, and after a failure it
-- sends nothing for some time. Nothing is lost: the service also reads Orthanc's change log.

local CALLBACK = 'OnStoredInstance'

-- Do nothing if the script is listed twice, or loaded again.
local outer = getmetatable(_G)
if type(outer) == 'table' and outer.plainview then
  return
end

local unpack = unpack or table.unpack
local url = os.getenv('PLAINVIEW_HOOK_URL') or 'http://127.0.0.1:8104/hook'
local initialQuiet = tonumber(os.getenv('PLAINVIEW_HOOK_QUIET_S') or '') or 30

-- These cannot be plain radiographs, whatever the service's configuration is. The service decides about all others.
local otherModalities = {}
for modality in ([[
  AR ASMT AU BDUS BI CT CTPROTOCOL DOC ECG EEG EMG EOG EPS FID HD IOL IVOCT IVUS KER KO LEN LP M3D MR MS
  NM OAM OCT OPM OPT OPV OSS PLAN POS PR PT REG RESP RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN
  RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XAPROTOCOL
]]):gmatch('%S+') do
  otherModalities[modality] = true
end

-- Families of SOP classes that are no pictures, below 1.2.840.10008.5.1.4.1.1.
local otherFamilies = {
  ['9'] = true, -- waveforms
  ['11'] = true, -- presentation states
  ['66'] = true, -- registrations, segmentations, raw data
  ['67'] = true, -- real world value mapping
  ['68'] = true, -- surfaces
  ['88'] = true, -- structured reports, including those of Plainview
  ['104'] = true, -- encapsulated documents
  ['481'] = true, -- radiotherapy
}

-- The SOP class counts first, as in src/orthanc/radiographs.ts: in those of CR, DX, mammography and intra-oral pictures, any
-- Modality is left to the service.
local function mayBeRadiograph(modality, sopClass)
  local family = (sopClass .. '.'):match('^1%.2%.840%.10008%.5%.1%.4%.1%.1%.(%d+)%.')
  return family == '1' or (not otherModalities[modality] and not otherFamilies[family])
end

local function log(text)
  print('Plainview: ' .. text)
end

-- Keeps only characters that a code string or a UID may contain. Then the JSON below needs no escaping.
local function clean(value, length)
  return (tostring(value or ''):gsub('[^%w%._ -]', ''):sub(1, length))
end

local function readSecret()
  local value, path, problem = os.getenv('PLAINVIEW_SECRET') or '', os.getenv('PLAINVIEW_SECRET_FILE') or '', nil
  if value ~= '' and path ~= '' then
    value, problem = '', 'PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set for Orthanc.'
  elseif path ~= '' then
    local file, why = io.open(path)
    value = file and file:read('*a') or ''
    problem = 'PLAINVIEW_SECRET_FILE holds no secret that Orthanc can read' .. (why and ': ' .. why or '') .. '.'
    if file then
      file:close()
    end
  else
    problem = 'PLAINVIEW_SECRET is not set for Orthanc.'
  end
  value = value:gsub('^%s+', ''):gsub('%s+$', '')
  if value == '' then
    log(problem .. ' The hook sends no notices. Set one of the two options, and restart Orthanc.')
  end
  return value
end

-- SHA-256 (FIPS 180-4), for one key at the first notice. Orthanc's Lua has no hash but MD5, and the Lua of some builds has
-- no operators for bits: so these compute with one bit after the other.
local function bitwise(operation)
  return function(a, b)
    local result, bit = 0, 1
    while bit < 4294967296 do
      if operation(a % 2 >= 1, b % 2 >= 1) then
        result = result + bit
      end
      a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
    end
    return result
  end
end
local xor = bitwise(function(a, b) return a ~= b end)
local both = bitwise(function(a, b) return a and b end)
local function rotated(word, bits)
  return math.floor(word / 2 ^ bits) + word % 2 ^ bits * 2 ^ (32 - bits)
end
local function mixed(word, first, second, third, shift)
  local last = shift and math.floor(word / 2 ^ third) or rotated(word, third)
  return xor(xor(rotated(word, first), rotated(word, second)), last)
end

-- The first 32 bits of the fractions of the roots of the first 64 primes.
local initial, rounds, candidate = {}, {}, 2
while #rounds < 64 do
  local isPrime = true
  for divisor = 2, math.floor(candidate ^ 0.5) do
    isPrime = isPrime and candidate % divisor ~= 0
  end
  if isPrime then
    rounds[#rounds + 1] = math.floor(candidate ^ (1 / 3) % 1 * 2 ^ 32)
    if #initial < 8 then
      initial[#initial + 1] = math.floor(candidate ^ 0.5 % 1 * 2 ^ 32)
    end
  end
  candidate = candidate + 1
end

local function bytesOf(word)
  return string.char(math.floor(word / 2 ^ 24), math.floor(word / 2 ^ 16) % 256, math.floor(word / 2 ^ 8) % 256, word % 256)
end

local function sha256(text)
  local hash = { unpack(initial) }
  text = text .. '\128' .. ('\0'):rep((55 - #text) % 64) .. '\0\0\0\0' .. bytesOf(#text * 8)
  for block = 1, #text, 64 do
    local words = {}
    for i = 1, 16 do
      local a, b, c, d = text:byte(block + i * 4 - 4, block + i * 4 - 1)
      words[i] = ((a * 256 + b) * 256 + c) * 256 + d
    end
    for i = 17, 64 do
      local early, late = mixed(words[i - 15], 7, 18, 3, true), mixed(words[i - 2], 17, 19, 10, true)
      words[i] = (words[i - 16] + early + words[i - 7] + late) % 2 ^ 32
    end
    local a, b, c, d, e, f, g, h = unpack(hash)
    for i = 1, 64 do
      local chosen = xor(g, both(e, xor(f, g)))
      local majority = xor(both(a, xor(b, c)), both(b, c))
      local first = h + mixed(e, 6, 11, 25) + chosen + rounds[i] + words[i]
      local second = mixed(a, 2, 13, 22) + majority
      a, b, c, d, e, f, g, h = (first + second) % 2 ^ 32, a, b, c, (d + first) % 2 ^ 32, e, f, g
    end
    for i, word in ipairs({ a, b, c, d, e, f, g, h }) do
      hash[i] = (hash[i] + word) % 2 ^ 32
    end
  end
  local bytes = ''
  for _, word in ipairs(hash) do
    bytes = bytes .. bytesOf(word)
  end
  return bytes
end

local function padded(key, byte)
  return (key .. ('\0'):rep(64 - #key)):gsub('.', function(letter) return string.char(xor(letter:byte(), byte)) end)
end

-- The service makes the same key: see src/access/keys.ts.
local function keyOf(secret)
  local key = #secret > 64 and sha256(secret) or secret
  local mac = sha256(padded(key, 92) .. sha256(padded(key, 54) .. 'plainview hook'))
  return (mac:gsub('.', function(letter) return ('%02x'):format(letter:byte()) end))
end

local hookKey

-- All scripts of this Orthanc share one time-out, and it cannot be read. So this remembers what other scripts set.
local setTimeout = SetHttpTimeout
local siteTimeout
function SetHttpTimeout(seconds)
  siteTimeout = seconds
  setTimeout(seconds)
end

local function post(body)
  siteTimeout = siteTimeout or GetOrthancConfiguration()['HttpTimeout'] or 60
  setTimeout(1)
  local done, answer = pcall(HttpPost, url, body, {
    -- Empty, so that credentials that another script has set for its own calls are not sent.
    ['Authorization'] = '',
    ['Content-Type'] = 'application/json',
    ['X-Plainview-Hook-Key'] = hookKey,
  })
  setTimeout(siteTimeout)
  return done and answer or nil
end

-- The circuit breaker. It is closed while `failure` is nil. Else the hook sends nothing until `quiet` seconds after
-- `failedAt`.
local failure, failedAt, quiet

local function mayTry()
  local now = os.time()
  -- If the clock was set back, the hook must not stay silent.
  return failure == nil or now > failedAt + quiet or now < failedAt
end

local function failed(problem, remedy)
  quiet = failure == nil and initialQuiet or math.min(quiet * 2, initialQuiet * 8)
  failedAt = os.time()
  if failure ~= problem then
    log(problem .. ' The hook pauses, and the service reads the change log later. ' .. remedy)
  end
  failure = problem
end

local function succeeded()
  if failure ~= nil then
    log('the service takes notices again.')
  end
  failure = nil
end

local function notify(instance, tags)
  local modality = clean(tags['Modality'], 16)
  local sopClass = clean(tags['SOPClassUID'], 64)
  if not mayBeRadiograph(modality, sopClass) then
    return
  end
  if hookKey == nil then
    local secret = readSecret()
    hookKey = secret == '' and '' or keyOf(secret)
  end
  if hookKey == '' or not mayTry() then
    return
  end
  local notice = '{"instance":"%s","modality":"%s","sopClass":"%s","change":"NewInstance"}'
  local answer = post(notice:format(clean(instance, 64), modality, sopClass))
  if answer == nil then
    failed('no answer from PLAINVIEW_HOOK_URL within one second.', 'Check that the service runs.')
  -- Orthanc 1.13 also returns the body of an error answer, and 1.12 returns nothing. So only this text means success.
  elseif not answer:find('"queued"%s*:%s*true') then
    failed(
      'the service refuses notices.',
      'Make PLAINVIEW_SECRET the same for Orthanc and the service. For other causes see the log of the service.'
    )
  else
    succeeded()
  end
end

-- The site's own callbacks, oldest first. The newest is called, as without this script. It may call the callback that
-- existed when its script was loaded. That call comes to `callback` again, with `depth` 1, and so to the one before it.
local site = {}
local depth = 0

local function callback(...)
  if depth == 0 then
    local done, problem = pcall(notify, ...)
    if not done then
      failed('the hook failed (' .. tostring(problem) .. ').', 'This is a fault of Plainview. Please report it.')
    end
  end
  local siteCallback = site[#site - depth]
  if siteCallback == nil then
    return
  end
  depth = depth + 1
  local done, problem = pcall(siteCallback, ...)
  depth = depth - 1
  if not done then
    error(problem, 0) -- Orthanc logs it, as without this script.
  end
end

local function addSiteCallback(defined)
  if defined == nil then
    site = {}
  elseif defined ~= callback then
    site[#site + 1] = defined
  end
end

-- The table of globals itself never contains the callback. So if a later script defines its own, Lua calls `__newindex`
-- below, and the definition does not overwrite this one.
local meta = {}
for key, value in pairs(type(outer) == 'table' and outer or {}) do
  meta[key] = value
end
meta.plainview = true
meta.__index = function(globals, key)
  if key == CALLBACK then
    return callback
  end
  local index = type(outer) == 'table' and outer.__index
  if type(index) == 'function' then
    return index(globals, key)
  end
  if index then
    return index[key]
  end
end
meta.__newindex = function(globals, key, value)
  local newindex = type(outer) == 'table' and outer.__newindex
  if key == CALLBACK then
    addSiteCallback(value)
  elseif type(newindex) == 'function' then
    newindex(globals, key, value)
  elseif newindex then
    newindex[key] = value
  else
    rawset(globals, key, value)
  end
end

addSiteCallback(rawget(_G, CALLBACK))
rawset(_G, CALLBACK, nil)
if not pcall(setmetatable, _G, meta) then
  -- Another script protects the metatable. Then scripts that are loaded later must call this callback themselves.
  rawset(_G, CALLBACK, callback)
end
