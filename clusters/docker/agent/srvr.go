package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Roles that are more than srvr's words.
const (
	roleNone   = "none" // it serves nobody: it does not listen yet, or looks for a leader
	roleLeader = "leader"
)

// maxAnswer is more than any four-letter word answers.
const maxAnswer = 1 << 20

// four asks the server on this node's loopback a four-letter word.
func four(ctx context.Context, port int, word string, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	if _, err := io.WriteString(c, word); err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	b, err := io.ReadAll(io.LimitReader(c, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	return string(b), nil
}

// parseSrvr reads the answer to srvr: lines "name: value" of which it needs Mode and Zxid (SrvrCommand, StatCommand).
// A server that follows nobody says that it is not currently serving requests.
func parseSrvr(answer string) (role string, zxid int64, err error) {
	if strings.HasPrefix(answer, "This ZooKeeper instance is not currently serving requests") {
		return roleNone, 0, nil
	}
	var mode, id string
	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Mode":
			mode = value
		case "Zxid":
			id = value
		}
	}
	switch mode {
	case "leader", "follower", "observer", "standalone":
	default:
		return "", 0, fmt.Errorf("srvr: no mode in %.200q", answer)
	}
	z, err := strconv.ParseUint(strings.TrimPrefix(id, "0x"), 16, 64)
	if err != nil {
		return "", 0, fmt.Errorf("srvr: zxid %.50q: %w", id, err)
	}
	return mode, int64(z), nil
}
