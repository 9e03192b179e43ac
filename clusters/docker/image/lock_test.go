package image

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// lockOnly is a Builder without an engine that sends its log lines to a channel.
func lockOnly(file string) (*Builder, chan string) {
	said := make(chan string, 10)
	log := func(format string, a ...any) { said <- fmt.Sprintf(format, a...) }
	return &Builder{log: log, lockFile: file}, said
}

func TestLockWaits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "images.lock")
	first, _ := lockOnly(file)
	second, said := lockOnly(file)
	unlock, err := first.lock(t.Context())
	require.NoError(t, err)

	held := make(chan error)
	go func() {
		unlock, err := second.lock(t.Context())
		if err == nil {
			unlock()
		}
		held <- err
	}()
	require.Equal(t, "waiting for another riven that is building images…", <-said)
	select {
	case err := <-held:
		t.Fatalf("two hold the lock (error: %v)", err)
	default:
	}
	unlock()
	require.NoError(t, <-held)
	require.Empty(t, said, "it is said once")
}

func TestLockGivesUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "images.lock")
	first, _ := lockOnly(file)
	second, said := lockOnly(file)
	unlock, err := first.lock(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := second.lock(ctx)
		failed <- err
	}()
	<-said
	cancel()
	err = <-failed
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "wait for another riven that is building images: context canceled")

	unlock()
	unlock, err = second.lock(t.Context())
	require.NoError(t, err, "who gave up holds nothing")
	unlock()
}
