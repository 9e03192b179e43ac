// Package clocks is for the linter's tests.
package clocks

import (
	"context"
	. "time"
	clock "time"
)

func read() {
	_ = clock.Now()         // want `time.Now: use Env.Now or Env.Mono`
	clock.Sleep(1)          // want `time.Sleep: use Env.Wait`
	_ = clock.Tick(1)       // want `time.Tick: use Env.After`
	_ = clock.After(1)      // want `time.After: use Env.After`
	_ = clock.NewTimer(1)   // want `time.NewTimer: use Env.After`
	_ = clock.NewTicker(1)  // want `time.NewTicker: use Env.After`
	_ = clock.AfterFunc     // want `time.AfterFunc: use Env.Go and Env.After`
	_ = Since(clock.Time{}) // want `time.Since: use Env.Mono`
	_ = Until(clock.Time{}) // want `time.Until: use Env.Mono`
	now := (clock.Now)      // want `time.Now: use Env.Now or Env.Mono`
	_ = now
}

func bounded(ctx context.Context) {
	_, cancel := context.WithTimeout(ctx, 1) // want `context.WithTimeout: use Env.After`
	defer cancel()
	_, stop := context.WithDeadline(ctx, clock.Time{}) // want `context.WithDeadline: use Env.After`
	defer stop()
}
