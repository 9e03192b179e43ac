package results

import (
	"encoding/xml"
	"fmt"
	"strings"

	"riven/checkers"
)

// suites is JUnit XML as CI systems read it: one suite a run, one case a check, and one for the run itself, which alone
// can tell of a run that was inconclusive or whose harness broke.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name      string     `xml:"name,attr"`
	Tests     int        `xml:"tests,attr"`
	Failures  int        `xml:"failures,attr"`
	Errors    int        `xml:"errors,attr"`
	Timestamp string     `xml:"timestamp,attr"`
	Time      string     `xml:"time,attr"`
	Cases     []testCase `xml:"testcase"`
}

type testCase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    string   `xml:"time,attr"`
	Failure *problem `xml:"failure"`
	Error   *problem `xml:"error"`
}

// problem carries everything in its body: viewers drop the rest.
type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Body    string `xml:",chardata"`
}

func (b *Bundle) junit() ([]byte, error) {
	v := *b.Verdict
	class := "riven." + b.Spec.Workload + "." + b.Spec.Recipe
	run := span(b.History)
	time := fmt.Sprintf("%.3f", float64(run.To-run.From)/1e9)
	s := suite{Name: fmt.Sprintf("%s seed %d", class, b.Spec.Seed), Timestamp: b.Meta.Started.UTC().Format("2006-01-02T15:04:05"), Time: time}
	s.add(testCase{Name: "run", Class: class, Time: time}, v.Outcome, proof(v), b.problemText(v.Outcome, append([]string{proof(v)}, v.Reasons...)))
	for _, c := range v.Checks {
		lines := []string{c.Rule, c.Engine + ": " + c.Detail}
		message := c.Detail
		for _, a := range c.Anomalies {
			if !a.Hazard {
				lines = append(lines, a.Sentence)
			}
		}
		if len(lines) > 2 {
			message = lines[2]
		}
		s.add(testCase{Name: c.Claim, Class: class, Time: "0"}, c.Outcome, message, b.problemText(c.Outcome, lines))
	}
	out, err := xml.MarshalIndent(suites{Suites: []suite{s}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", fileJUnit, err)
	}
	return []byte(xml.Header + string(out) + "\n"), nil
}

func (s *suite) add(c testCase, o checkers.Outcome, message, body string) {
	p := &problem{Message: message, Type: o.String(), Body: body}
	switch o {
	case checkers.Violation:
		c.Failure = p
		s.Failures++
	case checkers.Error, checkers.Inconclusive:
		c.Error = p
		s.Errors++
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

func (b *Bundle) problemText(o checkers.Outcome, lines []string) string {
	return outcomeWords[o] + "\n" + strings.Join(lines, "\n") + "\nrepeat: " + b.command() + "\n"
}
