package checkers

// Outcome of a check or of a run. Worse outcomes compare greater; one violation always wins.
type Outcome int

// The verdict lattice.
const (
	Pass         Outcome = iota
	Inconclusive         // too little happened, or a checker ran out of its budget
	Error                // the harness broke
	Violation
)

var outcomes = [...]string{"pass", "inconclusive", "error", "violation"}

func (o Outcome) String() string { return outcomes[o] }

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the outcome's name.
func (o *Outcome) UnmarshalText(b []byte) error {
	for i, s := range outcomes {
		if s == string(b) {
			*o = Outcome(i)
			return nil
		}
	}
	return &UnknownOutcomeError{string(b)}
}

// UnknownOutcomeError is a name that is no outcome's.
type UnknownOutcomeError struct{ Name string }

func (e *UnknownOutcomeError) Error() string { return "unknown outcome " + e.Name }

// ExitCode of a run with this outcome: 0 pass, 1 violation, 2 inconclusive, 3 error.
func (o Outcome) ExitCode() int { return [...]int{0, 2, 3, 1}[o] }

// Place is where the blame for a violation lies.
type Place string

// Places.
const (
	Recipe  Place = "recipe"
	Library Place = "client library"
	Server  Place = "server"
	Unclear Place = ""
)

// Anomaly is a claim violated, with its proof. A hazard is the same seen outside the claim's preconditions.
type Anomaly struct {
	Claim    string   `json:"claim"`
	Sentence string   `json:"sentence"`         // says it all: who, what, when
	Proof    []int    `json:"proof"`            // indices of the events that prove it, in order
	Holds    []string `json:"holds,omitempty"`  // tenures involved
	Nodes    []string `json:"nodes,omitempty"`  // participants and servers involved
	From     int64    `json:"from,omitempty"`   // ns, the time it spans
	To       int64    `json:"to,omitempty"`     //
	Place    Place    `json:"place,omitempty"`  //
	Hazard   bool     `json:"hazard,omitempty"` //
	Why      string   `json:"why,omitempty"`    // hazard: which precondition did not hold
}

// Check is the result of one checker.
type Check struct {
	Claim     string    `json:"claim"`
	Rule      string    `json:"rule"`   // the claim in one sentence
	Engine    string    `json:"engine"` // which algorithm decided
	Outcome   Outcome   `json:"outcome"`
	Detail    string    `json:"detail,omitempty"` // what was looked at, in numbers; for inconclusive and error: why
	Anomalies []Anomaly `json:"anomalies,omitempty"`
}

// Floor is one line of the coverage floor: what had to happen, and how often it did.
type Floor struct {
	Name string `json:"name"`
	Want int    `json:"want"`
	Got  int    `json:"got"`
}

// Met tells whether the floor was reached.
func (f Floor) Met() bool { return f.Got >= f.Want }

// Verdict of a run.
type Verdict struct {
	Version  int      `json:"version"`
	Outcome  Outcome  `json:"outcome"`
	Sentence string   `json:"sentence"`          // the first thing a person reads
	Reasons  []string `json:"reasons,omitempty"` // for inconclusive and error: each of them
	Checks   []Check  `json:"checks"`
	Floors   []Floor  `json:"floors"`
}
