package catalogue

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
	"riven/workloads"
)

func TestFind(t *testing.T) {
	w, r, err := Find("lock", "curator")
	require.NoError(t, err)
	require.Equal(t, []string{"lock", "curator"}, []string{w.Name, r.Name})
}

func TestUnknownNames(t *testing.T) {
	change := func(f func(*spec.Spec)) spec.Spec {
		s := spec.Default()
		f(&s)
		return s
	}
	for want, s := range map[string]spec.Spec{
		`unknown workload "lok" (know lock, register, counter, election, rebalance); did you mean "lock"?`: change(func(s *spec.Spec) { s.Workload = "lok" }),
		`unknown workload "barrier" (know lock, register, counter, election, rebalance)`:                   change(func(s *spec.Spec) { s.Workload = "barrier" }),
		`unknown recipe of lock "currator" (know curator, ephemeral, lease, zk.Lock, foreign); did you mean "curator"?`: change(func(s *spec.Spec) {
			s.Recipe = "currator"
		}),
		`unknown claim of ephemeral "fairness" (know exclusion, tokens, belief, hand-over, orphans)`: change(func(s *spec.Spec) {
			s.Recipe, s.Claims = "ephemeral", []string{"belief", "fairness"}
		}),
		`unknown fault "kil" (know partition, kill, pause, clock, mono-rate, lose-reply, slow); did you mean "kill"?`: change(func(s *spec.Spec) {
			s.Faults = []string{"pause", "kil"}
		}),
		`unknown defect of zk.Lock "no-token": there is none`: change(func(s *spec.Spec) {
			s.Recipe, s.Defects = "zk.Lock", []string{"no-token"}
		}),
	} {
		require.EqualError(t, Validate(s), want)
	}
}

func TestValidateAcceptsWhatIsListed(t *testing.T) {
	require.NoError(t, Validate(spec.Default()))
	for _, w := range All() {
		for _, r := range w.Recipes {
			s := spec.Default()
			s.Workload, s.Recipe = w.Name, r.Name
			for _, d := range r.Defects {
				s.Defects = append(s.Defects, d.Name)
			}
			for _, c := range r.Claims {
				s.Claims = append(s.Claims, c.Name)
			}
			if r.Foreign() {
				require.ErrorContains(t, Validate(s), "needs the participants' container image")
				s.Participant = "somebodys:own"
			}
			require.NoError(t, Validate(s), r.Name)
		}
	}
}

// TestEveryEntryIsComplete: names are unique, everything is described, defects break claims that the recipe makes.
func TestEveryEntryIsComplete(t *testing.T) {
	for _, w := range All() {
		require.NotEmpty(t, w.Doc, w.Name)
		require.NotNil(t, w.Ops, w.Name)
		require.NotNil(t, w.Quiet, w.Name)
		require.NotNil(t, w.Bound, w.Name)
		require.NotNil(t, w.Resource, w.Name)
		require.NotNil(t, w.Judge, w.Name)
		require.NotNil(t, w.Floors, w.Name)
		requireUnique(t, w.Recipes, func(r workloads.Recipe) string { return r.Name })
		for _, r := range w.Recipes {
			require.NotEmpty(t, r.Doc, r.Name)
			require.False(t, r.Native && r.New != nil, r.Name)
			requireUnique(t, r.Defects, func(d workloads.Defect) string { return d.Name })
			var claims []string
			for _, c := range r.Claims {
				require.NotEmpty(t, c.Rule, c.Name)
				claims = append(claims, c.Name)
			}
			for _, d := range r.Defects {
				require.NotEmpty(t, d.Bug, d.Name)
				require.NotEmpty(t, d.Exposed, d.Name)
				require.NotEmpty(t, d.Breaks, d.Name)
				require.Subset(t, claims, d.Breaks, d.Name)
			}
		}
	}
}

func requireUnique[E any](t *testing.T, list []E, name func(E) string) {
	var names []string
	for _, e := range list {
		require.NotEmpty(t, name(e))
		require.NotContains(t, names, name(e))
		names = append(names, name(e))
	}
}

func TestNearest(t *testing.T) {
	known := []string{"curator", "ephemeral", "zk.Lock"}
	require.Equal(t, []string{"curator", "zk.Lock", ""}, []string{
		nearest("Curater", known), nearest("zklock", known), nearest("etcd", known),
	})
	require.Equal(t, []int{0, 3, 3, 3, 1}, []int{
		edits("abc", "abc"), edits("", "abc"), edits("abc", ""), edits("kitten", "sitting"), edits("lock", "lok"),
	})
}
