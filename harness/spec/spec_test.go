package spec

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseIsTheInverseOfMarshal(t *testing.T) {
	s := Default()
	s.Seed, s.Defects, s.Claims = 7, []string{"ignore-loss"}, []string{"belief"}
	s.Pins = []Pin{{Participant: "p1", Server: "follower"}}
	b, err := json.Marshal(s)
	require.NoError(t, err)
	got, err := Parse(b)
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"version":1,"recipee":"x"}`:     `read spec: json: unknown field "recipee"`,
		`{"version":2}`:                   `spec version 2: this riven reads version 1`,
		`{"version":1,"servers":0}`:       `servers: 0, need 1 to 9`,
		`{"version":1,"time":"-1s"}`:      `time: -1s, must be positive`,
		`{"version":1,"participants":99}`: `participants: 99, need 1 to 32`,
		`{"version":1,"hold":"-1s"}`:      `hold: -1s, must not be negative`,
		`{"version":1,"timing":{"tickTime":200,"initLimit":10,"syncLimit":5,"session":"9s"}}`: `session timeout 9s: servers with tickTime 200 grant 400ms to 4s`,
		`{"version":1,"pins":[{"participant":"p5","server":"zk1"}]}`:                          `pin p5=zk1: no such participant (know p1, p2, p3, p4)`,
		`{"version":1,"pins":[{"participant":"p1","server":"zk4"}]}`:                          `pin p1=zk4: no such server (know zk1, zk2, zk3, leader, follower, follower1, follower2)`,
		`{"version":1,"roles":[{"name":"zk","count":1}]}`:                                     `role zk: the name is taken`,
		`{"version":1,"roles":[{"name":"a1","count":1}]}`:                                     `role "a1": a name is of small letters`,
		`{"version":1,"roles":[{"name":"a","count":0}]}`:                                      `role a: count 0, need at least 1`,
		`{"version":1,"roles":[{"name":"a","count":33}]}`:                                     `roles: 33 nodes in all, at most 32`,
		`{"version":1,"servers":1,"pins":[{"participant":"p1","server":"follower"}]}`:         `pin p1=follower: no such server (know zk1, leader)`,
	} {
		_, err := Parse([]byte(text))
		require.EqualError(t, err, want, text)
	}
}

func TestRoles(t *testing.T) {
	s := Default()
	require.Equal(t, []string{"p1", "p2", "p3", "p4"}, s.ParticipantNames())
	s.Roles = []Role{{"controller", 2}, {"journal", 1}}
	require.NoError(t, s.Validate())
	require.Equal(t, []string{"controller1", "controller2", "journal1"}, s.ParticipantNames())
	require.Equal(t, []string{"controller1", "controller2"}, s.Of("controller"))
	require.Empty(t, s.Of("p"))
	require.Equal(t, "controller", RoleOf("controller12"))
}

func TestTimings(t *testing.T) {
	require.Equal(t, time.Second, Timings["fast"].FollowerTimeout())
	require.Equal(t, 10*time.Second, Timings["zoo_sample"].FollowerTimeout())
	for name, timing := range Timings {
		s := Default()
		s.Timing = timing
		require.NoError(t, s.Validate(), name)
	}
}

func FuzzParse(f *testing.F) {
	b, err := json.Marshal(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Parse(b); err == nil {
			require.NoError(t, s.Validate())
		}
	})
}
