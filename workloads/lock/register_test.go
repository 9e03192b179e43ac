package lock

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/env"
	"riven/harness/spec"
)

// decide hands the accesses to a new register and gives its replies.
func decide(fencing bool, accesses ...env.Request) (replies []env.Reply) {
	s := spec.Default()
	s.Fencing = fencing
	r := Workload().Resource(s)
	for _, a := range accesses {
		replies = append(replies, r.Decide("p1", a))
	}
	return replies
}

func access(token, n int64) env.Request {
	return env.Request{Resource: Register, Hold: "p1.1/1", Token: token, N: n}
}

func TestRegisterRefusesLowerTokens(t *testing.T) {
	require.Equal(t, []env.Reply{
		{Seq: 1, Accepted: true, N: 10},
		{Seq: 2, Accepted: true, N: 20},
		{Seq: 3, N: 20, Text: "token 5 is below 6"},
		{Seq: 4, Accepted: true, N: 40},
	}, decide(true, access(5, 10), access(6, 20), access(5, 30), access(6, 40)))
}

func TestRegisterWithoutFencingAcceptsAll(t *testing.T) {
	require.Equal(t, []env.Reply{
		{Seq: 1, Accepted: true, N: 10},
		{Seq: 2, Accepted: true, N: 20},
		{Seq: 3, Accepted: true, N: 30},
	}, decide(false, access(6, 10), access(0, 20), access(5, 30)))
}

func TestRegisterKnowsItsName(t *testing.T) {
	require.Equal(t, []env.Reply{
		{Seq: 1, Text: `no resource "log"`},
	}, decide(false, env.Request{Resource: "log", Token: 1, N: 1}))
}
