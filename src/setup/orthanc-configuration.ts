import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { applyEdits, type JSONPath, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { declaredMetadata } from '../orthanc/capabilities.js';

/** JPEG 2000, for which alone Orthanc needs GDCM: see orthanc/README.md. */
const jpeg2000 = ['1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.91'];
const keepAliveSeconds = 30;

/** What is read of one file of Orthanc's configuration. */
const content = z.looseObject({
  LuaScripts: z.array(z.string()).optional(),
  UserMetadata: z.record(z.string(), z.number()).optional(),
  KeepAliveTimeout: z.number().optional(),
  Gdcm: z
    .looseObject({ Enable: z.boolean().default(true), RestrictTransferSyntaxes: z.unknown().optional() })
    .optional(),
  RegisteredUsers: z.record(z.string(), z.string()).optional(),
  AuthenticationEnabled: z.boolean().optional(),
  RemoteAccessAllowed: z.boolean().optional(),
});
type Content = z.output<typeof content>;

interface File {
  path: string;
  /** Empty where it is not there yet. */
  text: string;
  content: Content;
}

/** Orthanc's configuration as it is: a file, or the JSON files of a folder, with comments. */
export class OrthancConfiguration {
  readonly #files: File[];
  /** Where keys go that no file has. */
  readonly #forNewKeys: string;

  /** @throws orthanc_configuration */
  constructor(place: string) {
    const paths = pathsOf(place);
    this.#files = paths.map(readFile);
    this.#forNewKeys = statSync(place).isDirectory() ? join(place, 'plainview.json') : place;
  }

  /** Whether a call needs user and password. */
  get needsLogin(): boolean {
    return this.#value('AuthenticationEnabled') ?? this.#value('RemoteAccessAllowed') ?? false;
  }

  /** Of all users of Orthanc. */
  get passwords(): string[] {
    return Object.values(this.#value('RegisteredUsers') ?? {});
  }

  /**
   * What Plainview needs, added. Comments stay.
   * @param user whom Orthanc is to know
   * @returns the files that differ then, with their new text
   */
  with(hook: string, user: { name: string; password: string } | undefined): Map<string, string> {
    const scripts = this.#value('LuaScripts') ?? [];
    // One at another place is the administrator's own choice.
    if (!scripts.some((script) => basename(script) === basename(hook)))
      this.#set(['LuaScripts'], [hook, ...scripts]);
    for (const [name, number] of this.#missingMetadata()) this.#set(['UserMetadata', name], number);
    if ((this.#value('KeepAliveTimeout') ?? 1) <= 1) this.#set(['KeepAliveTimeout'], keepAliveSeconds);
    const gdcm = this.#value('Gdcm');
    if (gdcm?.Enable === true && gdcm.RestrictTransferSyntaxes === undefined)
      this.#set(['Gdcm', 'RestrictTransferSyntaxes'], jpeg2000);
    if (user !== undefined) this.#set(['RegisteredUsers', user.name], user.password);
    return new Map(
      this.#files.filter(({ path, text }) => text !== textOf(path)).map(({ path, text }) => [path, text]),
    );
  }

  /** Names that are not declared, each with a number that no other has. */
  #missingMetadata(): [name: string, number: number][] {
    const declared = this.#value('UserMetadata') ?? {};
    const taken = new Set(Object.values(declared));
    return Object.entries(declaredMetadata).flatMap(([name, usual]) => {
      if (declared[name] !== undefined) return [];
      let number: number = usual;
      while (taken.has(number)) number++;
      taken.add(number);
      return [[name, number]];
    });
  }

  #value<K extends keyof Content>(key: K): Content[K] | undefined {
    return this.#files.find((file) => file.content[key] !== undefined)?.content[key];
  }

  #set(path: JSONPath, value: unknown): void {
    const [key = ''] = path;
    const file =
      this.#files.find((each) => each.content[String(key)] !== undefined) ?? this.#fileForNewKeys();
    const edits = modify(file.text || '{}', path, value, {
      formattingOptions: { insertSpaces: true, tabSize: 2 },
    });
    file.text = applyEdits(file.text || '{}', edits);
    file.content = contentOf(file.path, file.text);
  }

  #fileForNewKeys(): File {
    const known = this.#files.find(({ path }) => path === this.#forNewKeys);
    if (known !== undefined) return known;
    const made = { path: this.#forNewKeys, text: '', content: {} };
    this.#files.push(made);
    return made;
  }
}

function pathsOf(place: string): string[] {
  try {
    if (!statSync(place).isDirectory()) return [place];
    return readdirSync(place)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(place, name));
  } catch (error) {
    throw createError('orthanc_configuration', { file: place, problem: fileProblem(place, error) }, error);
  }
}

function readFile(path: string): File {
  const text = textOf(path);
  return { path, text, content: contentOf(path, text) };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw createError('orthanc_configuration', { file: path, problem: fileProblem(path, error) }, error);
  }
}

/** Orthanc's JSON may have comments, and commas at ends. */
function contentOf(path: string, text: string): Content {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    const line = text.slice(0, first.offset).split('\n').length;
    const problem = `line ${line}: ${printParseErrorCode(first.error)}`;
    throw createError('orthanc_configuration', { file: path, problem });
  }
  const parsed = content.safeParse(value);
  if (parsed.success) return parsed.data;
  // Paths only: a value may be a password.
  const problem = parsed.error.issues.map(
    (issue) => `${issue.path.join('.')} has another form than Orthanc knows`,
  );
  throw createError('orthanc_configuration', { file: path, problem: problem.join('; ') });
}
