package participant

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"riven/harness/coord"
)

// Every error that go-zookeeper declares, and those that it passes on.
func TestTranslate(t *testing.T) {
	for _, c := range []struct{ zk, want error }{
		{nil, nil},
		{zk.ErrNoNode, coord.ErrNoNode},
		{zk.ErrNodeExists, coord.ErrNodeExists},
		{zk.ErrBadVersion, coord.ErrBadVersion},
		{zk.ErrNotEmpty, coord.ErrNotEmpty},
		{zk.ErrNoChildrenForEphemerals, coord.ErrNoChildren},
		{zk.ErrSessionMoved, coord.ErrMoved},
		{zk.ErrSessionExpired, coord.ErrExpired},
		{zk.ErrNoServer, coord.ErrExpired},
		{zk.ErrInvalidPath, coord.ErrInvalid},
		{zk.ErrInvalidFlags, coord.ErrInvalid},
		{zk.ErrInvalidACL, coord.ErrInvalid},
		{zk.ErrNoAuth, coord.ErrInvalid},
		{zk.ErrBadArguments, coord.ErrInvalid},
		{zk.ErrReconfigDisabled, coord.ErrInvalid},
		{zk.ErrConnectionClosed, coord.ErrLoss},
		{zk.ErrClosing, coord.ErrLoss},
		{zk.ErrUnknown, coord.ErrLoss},
		{zk.ErrAPIError, coord.ErrLoss},
		{zk.ErrAuthFailed, coord.ErrLoss},
		{zk.ErrNothing, coord.ErrLoss},
		{zk.ErrShortBuffer, coord.ErrLoss},
		{zk.ErrPtrExpected, coord.ErrLoss},
		{zk.ErrUnhandledFieldType, coord.ErrLoss},
		{zk.ErrDeadlock, coord.ErrLoss},
		{zk.ErrNotLocked, coord.ErrLoss},
		{io.EOF, coord.ErrLoss},
		{&net.OpError{Op: "write", Err: errors.New("broken pipe")}, coord.ErrLoss},
		{errors.New("unknown error: -122"), coord.ErrLoss},
		{fmt.Errorf("wrapped: %w", zk.ErrInvalidPath), coord.ErrInvalid},
	} {
		got := translate(c.zk)
		require.ErrorIs(t, got, c.want, "%v", c.zk)
		if c.want != nil {
			require.Equal(t, c.want != coord.ErrLoss, coord.Definite(got), "%v", c.zk)
		}
	}
}

// The ops of a multi behind the one that failed have a code for which go-zookeeper has no error.
func TestTranslateOp(t *testing.T) {
	require.NoError(t, translateOp(nil))
	require.ErrorIs(t, translateOp(zk.ErrBadVersion), coord.ErrBadVersion)
	require.ErrorIs(t, translateOp(errors.New("unknown error: -2")), coord.ErrRolledBack)
	require.ErrorIs(t, translateOp(errors.New("unknown error: -4")), coord.ErrLoss)
}
