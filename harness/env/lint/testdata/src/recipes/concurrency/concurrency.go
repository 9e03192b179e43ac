// Package concurrency is for the linter's tests.
package concurrency

import (
	"context"
	"reflect"
)

type mailbox chan int // want `channel: use Env.Cond`

func talk(box mailbox, ctx context.Context) {
	c := make(chan int) // want `channel: use Env.Cond`
	go func() {}()      // want `go statement: use Env.Go`
	c <- 1              // want `channel send: use Env.Cond`
	<-c                 // want `channel receive: use Env.Wait`
	<-ctx.Done()        // want `channel receive: use Env.Wait`
	for range box {     // want `range over a channel: use Env.Wait`
	}
	select { // want `select: use Env.Wait`
	default:
	}
	reflect.Select(nil) // want `reflect.Select: use Env.Wait`
}
