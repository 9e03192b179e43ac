package results

import (
	"time"

	"riven/harness/history"
)

// Measures are what a run achieved between the begin of its ops and the final heal. They stay when the history goes.
type Measures struct {
	OK        int                `json:"ok"`
	Fail      int                `json:"fail"`
	Info      int                `json:"info"`
	Seconds   float64            `json:"seconds"`
	PerSecond float64            `json:"perSecond"` // ops that went well
	Latency   map[string]Latency `json:"latency,omitempty"`
	// Elections are the times, in ms, from the end of a server's lead to the next one's, as their own agents saw it.
	Elections []float64 `json:"elections,omitempty"`
	// Recoveries are the times, in ms, from the end of a fault to the first op invoked after it that went well.
	Recoveries []float64 `json:"recoveries,omitempty"`
	// Failovers are what came of the kills of leading servers.
	Failovers []Failover `json:"failovers,omitempty"`
}

// Latency of the ops of one kind that went well, in ms, by nearest rank.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// measure takes the measures of a sorted history. Ops that were under way at the final heal do not count.
func measure(events []history.Event) Measures {
	from, to := zero(events), span(events).To
	for _, e := range events {
		if e.Type == history.Phase && e.F == history.PhaseHeal {
			to = e.Time
			break
		}
	}
	var within []op
	m := Measures{Seconds: float64(to-from) / float64(time.Second)}
	for _, o := range joinOps(events) {
		if o.From < from || o.To > to || o.Status == statusOpen {
			continue
		}
		within = append(within, o)
		switch o.Status {
		case statusOK:
			m.OK++
		case statusFail:
			m.Fail++
		case statusInfo:
			m.Info++
		}
	}
	if m.Seconds > 0 {
		m.PerSecond = float64(m.OK) / m.Seconds
	}
	ms := func(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }
	for _, k := range statsByKind(within) {
		if k.By[statusOK] == 0 {
			continue
		}
		if m.Latency == nil {
			m.Latency = map[string]Latency{}
		}
		m.Latency[k.F] = Latency{ms(k.Latency.P50), ms(k.Latency.P95), ms(k.Latency.P99), ms(k.Latency.Max)}
	}
	return m
}
