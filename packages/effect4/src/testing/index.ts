// Alone, so that this import and no other is the first to fail on Effect 3.
export * from "./with-effect-3-install/@effect-flowwise/testing.js"
