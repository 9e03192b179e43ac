package campaign

import (
	"fmt"
	"time"

	"riven/results"
)

// summary is what is known of the campaign now.
func (c *campaign) summary() results.Campaign {
	out := results.Campaign{
		Version: results.CampaignVersion, Name: c.Campaign.Name, Digest: c.digest, Seed: c.Campaign.Seed,
		Shard: c.Shard.I, Shards: c.Shard.N, Commit: c.Commit, Riven: c.Riven, Started: c.started,
		Spent: c.journal.spent().Round(time.Millisecond), Resumed: max(0, c.journal.count(actOpen)-1), State: c.state, Notes: c.notes,
	}
	if out.Resumed > 0 {
		out.Notes = append([]string{fmt.Sprintf("stopped and gone on with: %d", out.Resumed)}, out.Notes...)
	}
	for _, cell := range c.Shard.of(c.Campaign.Cells) {
		out.Cells = append(out.Cells, c.summarise(cell))
	}
	return out
}

func (c *campaign) summarise(cell *Cell) results.CampaignCell {
	x := results.CampaignCell{ID: cell.ID, Canary: cell.Canary, Found: cell.Canary && c.found(cell)}
	seen := append([]Seen(nil), c.Past[cell.ID].Outcomes...)
	for n := 1; n <= cell.Runs; n++ {
		r := Run{cell, n, c.seeds[runKey{cell.ID, n}]}
		run := results.CampaignRun{N: n, Seed: r.Seed}
		for _, e := range c.attempts(r) {
			run.Tries = append(run.Tries, results.CampaignAttempt{
				Outcome: e.Outcome, Sentence: e.Sentence, Claims: e.Claims, Bundle: e.Bundle, Took: e.Took, Thinned: c.journal.thinned[e.Bundle],
			})
			seen = append(seen, Seen{c.Commit, e.Seed, e.Outcome.String()})
		}
		x.Runs = append(x.Runs, run)
	}
	if !cell.Canary {
		x.Unstable = unstable(seen, c.Commit)
	}
	return x
}
