export declare const bundleCommand: (outdir: string) => Promise<void>
