package run

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

func TestSimulate(t *testing.T) {
	s := spec.Default()
	s.Cluster, s.Seed = "sim", 7
	began := time.Now()
	x, err := Simulate(context.Background(), s, nil)
	require.NoError(t, err)
	t.Log(time.Since(began), x.Events, len(x.Input.History), x.Hash, x.Verdict.Sentence, x.Verdict.Reasons)
	for _, r := range x.Input.Receipts {
		t.Log(r.Step.ID, r.Step.Fault.Kind, r.Status, r.Why, r.Nodes)
	}
}
