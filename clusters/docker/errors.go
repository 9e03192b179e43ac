package docker

import (
	"fmt"
	"strings"
)

// nodeError is an error of one node.
type nodeError struct {
	node string
	err  error
}

func (e *nodeError) Error() string { return e.node + ": " + e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

// stageError is the failure of something that nodes did together. Its text ends with what they have said last, for people
// who do not have the run's logs at hand; that is looked up when the text is asked for, since output comes later than
// news of an exit.
type stageError struct {
	what  string
	err   error
	nodes []*node
}

func failed(what string, err error, nodes []*node) error { return &stageError{what, err, nodes} }

func (e *stageError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.what, e.err)
	for _, n := range e.nodes {
		if lines := n.output.Lines(); lines != "" {
			fmt.Fprintf(&b, "\nlast output of %s:\n%s", n.name, lines)
		}
	}
	return b.String()
}

func (e *stageError) Unwrap() error { return e.err }
