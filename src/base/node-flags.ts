// Flags of Node for workers, balancers and operators, wherever they are started.

/**
 * A small young generation. Most of what a request makes is dead when the answer has left; what lives on are sessions, which V8 copies
 * twice before they are old. With the 16 MiB that are V8's default, a worker that takes over 100 000 sessions stands still for 10 to 20 ms
 * at a time, and answers nobody; with 4 MiB for 3 to 5, the CPU time of a request stays, and the memory of a worker falls by a quarter
 * (`npm run bench:state`, `npm run bench:memory`). An operator with 1000 clusters had 250 MB resident with it and 380 without.
 */
export const NODE_FLAGS: readonly string[] = ["--max-semi-space-size=4"];
