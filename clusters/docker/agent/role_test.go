package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A leader's epoch is told when its file and its zxid agree, and the leader is asked again while they do not.
func TestEpochByProof(t *testing.T) {
	file := filepath.Join(t.TempDir(), "currentEpoch")
	leader := Role{Role: roleLeader, Zxid: 5<<32 | 17}
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer stderr.Close()
	a := &agent{stderr: stderr}
	ask := func() []any {
		r, ok := a.ofEpoch(leader, file)
		return []any{r.Epoch, ok}
	}
	require.Equal(t, []any{int64(0), true}, ask(), "an image that keeps no such file there")
	for text, want := range map[string][]any{"5": {int64(5), true}, "5\n": {int64(5), true}, "6": {int64(6), false}, "4": {int64(4), false}, "": {int64(0), false}, "x": {int64(0), false}} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.Equal(t, want, ask(), "%q", text)
	}
}
