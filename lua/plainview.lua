-- Tells Plainview of every stored instance that may be a radiograph. For Orthanc's `LuaScripts`.
--
-- Environment of Orthanc:
--   PLAINVIEW_HOOK_URL      where Plainview listens (http://127.0.0.1:8104/hook)
--   PLAINVIEW_SECRET        the secret shared with Plainview, or
--   PLAINVIEW_SECRET_FILE   a file that holds it
--   PLAINVIEW_HOOK_QUIET_S  how long to leave a failing service alone at first (30); doubles up to eightfold
--
-- While this waits, Orthanc answers nobody. So it waits for one second at most, and after a failure not at all
-- for a while. Nothing is lost by that: the service also reads Orthanc's log of changes.

local CALLBACK = 'OnStoredInstance'

-- Listed twice, or loaded again: once is enough.
local outer = getmetatable(_G)
if type(outer) == 'table' and outer.plainview then
  return
end

local url = os.getenv('PLAINVIEW_HOOK_URL') or 'http://127.0.0.1:8104/hook'
local quietAtFirst = tonumber(os.getenv('PLAINVIEW_HOOK_QUIET_S') or '') or 30

-- What cannot be a plain radiograph however a site configures the service; anything else is the service's choice.
local otherModalities = {}
for modality in ([[
  AR ASMT AU BDUS BI CT CTPROTOCOL DOC ECG EEG EMG EOG EPS FID HD IOL IVOCT IVUS KER KO LEN LP M3D MR MS
  NM OAM OCT OPM OPT OPV OSS PLAN POS PR PT REG RESP RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN
  RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XAPROTOCOL
]]):gmatch('%S+') do
  otherModalities[modality] = true
end

-- Families of SOP classes without a picture of their own, below 1.2.840.10008.5.1.4.1.1.
local otherFamilies = {
  ['9'] = true, -- waveforms
  ['11'] = true, -- presentation states
  ['66'] = true, -- registrations, segmentations, raw data
  ['67'] = true, -- real world value mapping
  ['68'] = true, -- surfaces
  ['88'] = true, -- structured reports, Plainview's own among them
  ['104'] = true, -- encapsulated documents
  ['481'] = true, -- radiotherapy
}

local function mayBeRadiograph(modality, sopClass)
  local family = sopClass:match('^1%.2%.840%.10008%.5%.1%.4%.1%.1%.(%d+)%.')
  return not otherModalities[modality] and not otherFamilies[family]
end

local function say(text)
  print('Plainview: ' .. text)
end

-- Only what a code string or a UID may hold: nothing needs escaping then, whatever was stored.
local function clean(value, length)
  return (tostring(value or ''):gsub('[^%w%._ -]', ''):sub(1, length))
end

local secret
local function readSecret()
  local value, path, missing = os.getenv('PLAINVIEW_SECRET') or '', os.getenv('PLAINVIEW_SECRET_FILE') or '', nil
  if value ~= '' and path ~= '' then
    value, missing = '', 'PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set for Orthanc: unset one.'
  elseif path ~= '' then
    local file, why = io.open(path)
    value = file and file:read('*a') or ''
    missing = 'PLAINVIEW_SECRET_FILE holds no secret that Orthanc can read' .. (why and ': ' .. why or '') .. '.'
    if file then
      file:close()
    end
  else
    missing = 'PLAINVIEW_SECRET is not set for Orthanc.'
  end
  value = value:gsub('%s+$', '')
  if value == '' then
    say(missing .. ' Nobody is told of stored instances until Orthanc restarts with the secret.')
  end
  return value
end

-- The time-out belongs to all scripts of this Orthanc and cannot be read, so what others set is remembered.
local setTimeout = SetHttpTimeout
local othersTimeout
function SetHttpTimeout(seconds)
  othersTimeout = seconds
  setTimeout(seconds)
end

local function post(body)
  othersTimeout = othersTimeout or GetOrthancConfiguration()['HttpTimeout'] or 60
  setTimeout(1)
  local done, answer = pcall(HttpPost, url, body, {
    -- Empty: keeps back the credentials that another script may have set for its own calls.
    ['Authorization'] = '',
    ['Content-Type'] = 'application/json',
    ['X-Plainview-Secret'] = secret,
  })
  setTimeout(othersTimeout)
  return done and answer or nil
end

-- The breaker. Closed while `trouble` is nil; else nothing is sent before `quiet` seconds have gone since `failedAt`.
local trouble, failedAt, quiet

local function mayTry()
  local now = os.time()
  -- A clock that was set back must not silence the hook.
  return trouble == nil or now > failedAt + quiet or now < failedAt
end

local function failed(reason)
  quiet = trouble == nil and quietAtFirst or math.min(quiet * 2, quietAtFirst * 8)
  failedAt = os.time()
  if trouble ~= reason then
    say(reason .. ' Orthanc goes on without; the service catches up from the log of changes when it is well.')
  end
  trouble = reason
end

local function succeeded()
  if trouble ~= nil then
    say('the service takes notices again.')
  end
  trouble = nil
end

local function tell(instance, tags, metadata)
  local modality = clean(tags['Modality'], 16)
  local sopClass = clean(tags['SOPClassUID'], 64)
  if not mayBeRadiograph(modality, sopClass) then
    return
  end
  secret = secret or readSecret()
  if secret == '' or not mayTry() then
    return
  end
  -- A file that was sent again, or a modified copy, may have metadata of Plainview's already.
  local new = metadata ~= nil and metadata['Radiograph'] == nil and metadata['RadiographReclassify'] == nil
    and metadata['ModifiedFrom'] == nil and metadata['AnonymizedFrom'] == nil
  local notice = '{"instance":"%s","modality":"%s","sopClass":"%s","change":"NewInstance","new":%s}'
  local answer = post(notice:format(clean(instance, 64), modality, sopClass, tostring(new)))
  if answer == nil then
    failed('no answer from PLAINVIEW_HOOK_URL within a second.')
  -- Orthanc 1.13 gives the body of a refusal too, 1.12 nothing: only the service's own yes is one.
  elseif not answer:find('"queued"%s*:%s*true') then
    failed('the service refuses notices: is PLAINVIEW_SECRET the same for Orthanc and the service? Its log says more.')
  else
    succeeded()
  end
end

-- A site's own callbacks, oldest first. The newest is called, as without this script; where it calls the
-- callback that it found when it was loaded, it reaches this one again, and by that the one before it.
local site = {}
local depth = 0

local function callback(...)
  if depth == 0 then
    local done, problem = pcall(tell, ...)
    if not done then
      failed('the hook itself failed: ' .. tostring(problem) .. '.')
    end
  end
  local own = site[#site - depth]
  if own == nil then
    return
  end
  depth = depth + 1
  local done, problem = pcall(own, ...)
  depth = depth - 1
  if not done then
    error(problem, 0) -- Orthanc logs it, as it would without this script.
  end
end

local function siteDefines(own)
  if own == nil then
    site = {}
  elseif own ~= callback then
    site[#site + 1] = own
  end
end

-- The callback never stands in the table of globals itself: so a script that is loaded later and defines its
-- own does not overwrite it but comes past here.
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
    siteDefines(value)
  elseif type(newindex) == 'function' then
    newindex(globals, key, value)
  elseif newindex then
    newindex[key] = value
  else
    rawset(globals, key, value)
  end
end

siteDefines(rawget(_G, CALLBACK))
rawset(_G, CALLBACK, nil)
if not pcall(setmetatable, _G, meta) then
  -- Another script protects the globals: then those that are loaded later must chain by themselves.
  rawset(_G, CALLBACK, callback)
end
