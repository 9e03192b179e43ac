package participant

import (
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"riven/harness/coord"
)

// definite maps the errors of go-zookeeper which say for sure that the request did not take effect. All others are
// coord.ErrLoss:
//
//   - zk.ErrConnectionClosed and zk.ErrClosing: also returned for requests that were sent;
//   - what a failed write to the socket returns: the bytes may have arrived;
//   - zk.ErrShortBuffer, ErrPtrExpected, ErrUnhandledFieldType: a request that could not be encoded (not sent), or a
//     reply that could not be decoded (done);
//   - zk.ErrAuthFailed, ErrAPIError, ErrNothing, ErrUnknown and "unknown error: n" (REQUESTTIMEOUT -122, THROTTLEDOP
//     -127, OPERATIONTIMEOUT -7, CONNECTIONLOSS -4 …): what the server did is not said.
//
// Source: conn.go of go-zookeeper v1.0.4, KeeperException.Code of ZooKeeper 3.8.
var definite = []struct{ zk, coord error }{
	{zk.ErrNoNode, coord.ErrNoNode},
	{zk.ErrNodeExists, coord.ErrNodeExists},
	{zk.ErrBadVersion, coord.ErrBadVersion},
	{zk.ErrNotEmpty, coord.ErrNotEmpty},
	{zk.ErrNoChildrenForEphemerals, coord.ErrNoChildren},
	{zk.ErrSessionMoved, coord.ErrMoved},
	// Said by the server about this request, or by the client about one that was never sent.
	{zk.ErrSessionExpired, coord.ErrExpired},
	// The host provider asks for it when the handle is dead, and then only requests that were never sent get it.
	{zk.ErrNoServer, coord.ErrExpired},
	{zk.ErrInvalidPath, coord.ErrInvalid},
	{zk.ErrInvalidFlags, coord.ErrInvalid},
	{zk.ErrInvalidACL, coord.ErrInvalid},
	{zk.ErrNoAuth, coord.ErrInvalid},
	{zk.ErrBadArguments, coord.ErrInvalid},
	{zk.ErrReconfigDisabled, coord.ErrInvalid},
}

// translate is the coord error for what a call of go-zookeeper returned.
func translate(err error) error {
	if err == nil {
		return nil
	}
	for _, d := range definite {
		if errors.Is(err, d.zk) {
			if d.coord == coord.ErrInvalid {
				return fmt.Errorf("%w: %w", coord.ErrInvalid, err)
			}
			return d.coord
		}
	}
	return fmt.Errorf("%w: %w", coord.ErrLoss, err)
}

// rolledBack is RUNTIMEINCONSISTENCY as go-zookeeper tells it: it has no error of its own for that code.
var rolledBack = zk.ErrCode(-2)

// translateOp is the coord error of one op of a multi.
func translateOp(err error) error {
	if err != nil && err.Error() == fmt.Sprintf("unknown error: %v", rolledBack) {
		return coord.ErrRolledBack
	}
	return translate(err)
}
