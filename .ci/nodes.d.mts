export declare const nodeVersions: ReadonlyArray<string>
export declare const nodeOf: (version: string) => string | undefined
