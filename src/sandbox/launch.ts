/** What one Orthanc needs, whichever way it is run. */
export interface OrthancSpec {
  /** Its private folder: configuration, log and, where the way allows it, storage and index. */
  folder: string;
  port: number;
  /** Orthanc's configuration but for what depends on the way: plugins, storage, scripts. */
  configuration: Record<string, unknown>;
  luaScripts: string[];
  /** Orthanc's PythonScript; what lies beside it comes along. */
  pythonScript?: string;
  plugins: SandboxPlugin[];
  env: Record<string, string>;
}

/** How to run it: a process in the foreground that is Orthanc, or stands for it and passes signals on. */
export interface Launch {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** What the process gets when its parent dies without a word. */
  signalOnOrphan: 'SIGTERM' | 'SIGKILL';
  /** Ends Orthanc at once where killing the process would not. */
  killCommand?: [string, string[]];
  /** Removes what lies outside the folder. */
  removeCommand?: [string, string[]];
}

export type SandboxPlugin = 'dicomweb' | 'gdcm' | 'postgresql' | 'python';
