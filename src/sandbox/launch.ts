/** What one Orthanc needs, independent of how it is run. */
export interface OrthancSpec {
  /** Its private folder: configuration, log and, with Debian's packages, storage and index. */
  folder: string;
  port: number;
  /** Port of the DICOM server, if there is one. */
  dicomPort?: number;
  /** Orthanc's configuration, without what depends on how it is run: plugins, storage, scripts. */
  configuration: Record<string, unknown>;
  luaScripts: string[];
  /** Orthanc's PythonScript. The other files of its folder are available to it too. */
  pythonScript?: string;
  plugins: SandboxPlugin[];
  env: Record<string, string>;
}

/** How to run it: a process in the foreground that is Orthanc, or a client that passes signals to Orthanc. */
export interface Launch {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** The signal that the process gets when its parent dies. */
  signalOnOrphan: 'SIGTERM' | 'SIGKILL';
  /** Kills Orthanc, if killing the process does not. */
  killCommand?: [string, string[]];
  /** Deletes what Orthanc stored outside the folder. */
  removeCommand?: [string, string[]];
}

export type SandboxPlugin = 'dicomweb' | 'gdcm' | 'postgresql' | 'python';
