// Alone, so that this import and no other is the first to fail on Effect 4.
export * from "./with-effect-4-install/@effect-flowwise/effect4.js"
