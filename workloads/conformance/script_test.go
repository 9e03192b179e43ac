package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWritten(t *testing.T) {
	scripts, seen := Written(), map[string]bool{}
	require.GreaterOrEqual(t, len(scripts), 100)
	for _, s := range scripts {
		name := s.Topic + ": " + s.Name
		require.False(t, seen[name], "two scripts are named %s", name)
		seen[name] = true
		for _, step := range s.Steps {
			require.NotEmpty(t, step.Allowed, "%s: what may be answered to %q is not said", name, step.Text)
		}
	}
}

func TestParse(t *testing.T) {
	const text = "# one\na open\na get $/x → 1 c=z1 | no node\n"
	scripts := Parse("topic", text+"\n# two\na open\n")
	require.Equal(t, Script{"topic", "one", []Step{{Text: "a open"}, {"a get $/x", []string{"1 c=z1", "no node"}}}}, scripts[0])
	require.Equal(t, text, scripts[0].String())
	require.Len(t, scripts, 2)
	require.True(t, scripts[0].Steps[1].Allows("no node"))
	require.False(t, scripts[0].Steps[1].Allows("absent"))
	require.True(t, scripts[1].Steps[0].Allows("anything"), "nothing is said")
}

// Every fault has a step of the plan that the note of the same number begins.
func TestPlan(t *testing.T) {
	plan := Plan(Written())
	require.NotEmpty(t, plan.Steps)
	require.NoError(t, plan.Validate([]string{"zk1", "zk2", "zk3"}, []string{"p1", "p2", "p3", "p4"}))
	for i, s := range plan.Steps {
		require.Equal(t, i+1, s.On.Nth)
	}
}
