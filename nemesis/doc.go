// Package nemesis is faults as data: plans, faults, targets and triggers, what they resolve to, and the receipts of
// what they were observed to do.
//
// It owns the planners (seed in, plan out) and the conductor that says when which fault begins and ends. It applies
// nothing itself and knows neither Docker nor clocks: the run hands it the time and the events.
package nemesis
