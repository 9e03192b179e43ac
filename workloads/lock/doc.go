// Package lock is the workload of mutual exclusion: participants acquire a lock, work under it at a guarded register,
// and release it.
//
// It owns the lock recipes and their defects, the stream of ops, the register, the claims and the coverage floor. The
// recipes know env and coord alone; how the history is judged is for the checkers.
package lock
