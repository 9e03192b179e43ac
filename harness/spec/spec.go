package spec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version of the encoding of Spec.
const Version = 1

// Duration is a time.Duration that reads and writes "1m30s" in JSON.
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// D is the duration as the standard library has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Timing is the ensemble's configuration of time, in zoo.cfg's units, and the session timeout that participants ask for.
type Timing struct {
	TickTime  int      `json:"tickTime"` // ms
	InitLimit int      `json:"initLimit"`
	SyncLimit int      `json:"syncLimit"`
	Session   Duration `json:"session"`
}

// Tick is the length of one tick.
func (t Timing) Tick() time.Duration { return time.Duration(t.TickTime) * time.Millisecond }

// FollowerTimeout is how long a follower that hears nothing of its leader goes on serving (Learner.java: soTimeout = tickTime*syncLimit).
func (t Timing) FollowerTimeout() time.Duration { return t.Tick() * time.Duration(t.SyncLimit) }

// Timings by name: fast is the default, zoo_sample is what ZooKeeper ships as zoo_sample.cfg.
var Timings = map[string]Timing{
	"fast":       {TickTime: 200, InitLimit: 10, SyncLimit: 5, Session: Duration(2 * time.Second)},
	"zoo_sample": {TickTime: 2000, InitLimit: 10, SyncLimit: 5, Session: Duration(4 * time.Second)},
}

// Pin ties a participant to one server; unpinned participants may use all of them.
type Pin struct {
	Participant string `json:"participant"` // "p1"
	Server      string `json:"server"`      // "zk2", or by role when the ensemble has formed: "leader", "follower" (the first), "follower2"
}

// Role is a kind of participant with a part of its own in a workload: its nodes are Name1 … NameN.
type Role struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Spec is a run described as data.
type Spec struct {
	Version      int      `json:"version"`
	Workload     string   `json:"workload"`
	Recipe       string   `json:"recipe"`
	Defects      []string `json:"defects,omitempty"`
	Broken       []string `json:"broken,omitempty"` // defects of the servers: the simulation alone has such
	Client       string   `json:"client,omitempty"` // whose behaviour the participants' sessions have; none: go-zk
	Cluster      string   `json:"cluster"`
	Suite        string   `json:"suite"`                 // Debian suite that the servers come from
	Image        string   `json:"image,omitempty"`       // container image of the servers, instead of the suite's
	Participant  string   `json:"participant,omitempty"` // container image of the participants, instead of riven's own
	Servers      int      `json:"servers"`
	Participants int      `json:"participants"`
	Roles        []Role   `json:"roles,omitempty"`  // of the nodes beside the servers; none: the participants are all alike
	Staged       bool     `json:"staged,omitempty"` // the servers are started one by one
	Timing       Timing   `json:"timing"`
	Time         Duration `json:"time"` // of ops under faults; the quiet phase comes on top
	Seed         uint64   `json:"seed"`
	Faults       []string `json:"faults,omitempty"` // kinds the planner may use; none: an empty plan was asked for
	Fencing      bool     `json:"fencing"`          // the resource refuses a token lower than one it has seen
	Hold         Duration `json:"hold"`             // how long a lock is held and worked under
	Pause        Duration `json:"pause,omitempty"`  // length of planned pauses; 0: longer than the session timeout
	Pins         []Pin    `json:"pins,omitempty"`
	Claims       []string `json:"claims,omitempty"`  // claims judged even outside their preconditions ("belief")
	Scripts      string   `json:"scripts,omitempty"` // what conformance plays instead of its own scripts, in their notation
}

// Default is the run that `riven run` makes when it is told nothing.
func Default() Spec {
	return Spec{
		Version: Version, Workload: "lock", Recipe: "curator", Cluster: "docker", Suite: "bookworm",
		Servers: 3, Participants: 4, Timing: Timings["fast"], Time: Duration(30 * time.Second),
		Faults: []string{"partition", "kill", "pause"}, Fencing: true, Hold: Duration(300 * time.Millisecond),
	}
}

// Validate tells what is wrong with the spec itself; names of recipes and faults are for their owners to judge.
func (s Spec) Validate() error {
	switch {
	case s.Version != Version:
		return fmt.Errorf("spec version %d: this riven reads version %d", s.Version, Version)
	case s.Servers < 1 || s.Servers > 9:
		return fmt.Errorf("servers: %d, need 1 to 9", s.Servers)
	case s.Participants < 1 || s.Participants > 32:
		return fmt.Errorf("participants: %d, need 1 to 32", s.Participants)
	case len(s.ParticipantNames()) > 32:
		return fmt.Errorf("roles: %d nodes in all, at most 32", len(s.ParticipantNames()))
	case s.Time <= 0:
		return fmt.Errorf("time: %v, must be positive", s.Time.D())
	case s.Hold < 0:
		return fmt.Errorf("hold: %v, must not be negative", s.Hold.D())
	case s.Pause < 0:
		return fmt.Errorf("pause: %v, must not be negative", s.Pause.D())
	case s.Timing.TickTime <= 0 || s.Timing.InitLimit <= 0 || s.Timing.SyncLimit <= 0:
		return fmt.Errorf("timing: tickTime, initLimit and syncLimit must be positive, have %d/%d/%d", s.Timing.TickTime, s.Timing.InitLimit, s.Timing.SyncLimit)
	}
	if lo, hi := 2*s.Timing.Tick(), 20*s.Timing.Tick(); s.Timing.Session.D() < lo || s.Timing.Session.D() > hi {
		return fmt.Errorf("session timeout %v: servers with tickTime %d grant %v to %v", s.Timing.Session.D(), s.Timing.TickTime, lo, hi)
	}
	return cmp.Or(s.checkRoles(), s.checkPins())
}

// checkRoles refuses roles whose nodes could be taken for others.
func (s Spec) checkRoles() error {
	seen := map[string]bool{"zk": true}
	for _, r := range s.Roles {
		switch {
		case r.Count < 1:
			return fmt.Errorf("role %s: count %d, need at least 1", r.Name, r.Count)
		case r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz") != "":
			return fmt.Errorf("role %q: a name is of small letters", r.Name)
		case seen[r.Name]:
			return fmt.Errorf("role %s: the name is taken", r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// checkPins refuses pins to what the run has not.
func (s Spec) checkPins() error {
	servers := append(s.ServerNames(), "leader")
	if s.Servers > 1 {
		servers = append(append(servers, "follower"), names("follower", s.Servers-1)...)
	}
	for _, p := range s.Pins {
		switch {
		case !slices.Contains(s.ParticipantNames(), p.Participant):
			return fmt.Errorf("pin %s=%s: no such participant (know %s)", p.Participant, p.Server, strings.Join(s.ParticipantNames(), ", "))
		case !slices.Contains(servers, p.Server):
			return fmt.Errorf("pin %s=%s: no such server (know %s)", p.Participant, p.Server, strings.Join(servers, ", "))
		}
	}
	return nil
}

// Insists tells whether the claim of that name is judged without its preconditions.
func (s Spec) Insists(claim string) bool { return slices.Contains(s.Claims, claim) }

// PauseLength is how long a planned pause lasts: by default longer than the session, so that it is a real danger.
func (s Spec) PauseLength() time.Duration {
	if s.Pause > 0 {
		return s.Pause.D()
	}
	return s.Timing.Session.D() + s.Timing.Session.D()/2
}

// ServerNames are zk1 … zkN.
func (s Spec) ServerNames() []string { return names("zk", s.Servers) }

// ParticipantNames are all nodes beside the servers: p1 … pN, or those of the roles in order.
func (s Spec) ParticipantNames() []string {
	if len(s.Roles) == 0 {
		return names("p", s.Participants)
	}
	var all []string
	for _, r := range s.Roles {
		all = append(all, names(r.Name, r.Count)...)
	}
	return all
}

// Of are the names of a role's nodes.
func (s Spec) Of(role string) []string {
	for _, r := range s.Roles {
		if r.Name == role {
			return names(r.Name, r.Count)
		}
	}
	return nil
}

// RoleOf is the role of a participant: its name without the number; "p" where all are alike.
func RoleOf(participant string) string { return strings.TrimRight(participant, "0123456789") }

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + strconv.Itoa(i+1)
	}
	return out
}

// Parse reads a spec and refuses keys it does not know.
func Parse(b []byte) (Spec, error) {
	s := Default()
	s.Faults = nil
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Spec{}, fmt.Errorf("read spec: %w", err)
	}
	return s, s.Validate()
}
