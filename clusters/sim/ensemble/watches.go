package ensemble

import "slices"

// watchTable is a WatchManager of one-shot watches: who waits at a path, in the order in which they came.
type watchTable map[string][]*conn

func (w watchTable) add(path string, c *conn) {
	if list := w[path]; !slices.Contains(list, c) {
		w[path] = append(list, c)
	}
}

// trigger takes the watches of a path off and tells their clients, but those in told, which have heard already.
// It runs inside the transaction's application: the event goes out before any reply that shows the new state.
func (t *tree) trigger(w *watchTable, path string, e EventKind, told []*conn) []*conn {
	if len(*w) == 0 {
		return nil
	}
	list := (*w)[path]
	if list == nil {
		return nil
	}
	delete(*w, path)
	for _, c := range list {
		if !slices.Contains(told, c) {
			t.send(c, e, path)
		}
	}
	return list
}

func (t *tree) dropWatches() { t.data, t.kids = watchTable{}, watchTable{} }

// rearm is DataTree.setWatches: what the client missed since it last saw a zxid is told at once, the rest is watched.
func (t *tree) rearm(c *conn, r *Rearm, forget bool) {
	for _, path := range r.Data {
		n := t.nodes[path]
		switch {
		case forget:
			t.data.add(path, c)
		case n == nil:
			t.send(c, NodeDeleted, path)
		case n.mzxid > r.Zxid:
			t.send(c, NodeDataChanged, path)
		default:
			t.data.add(path, c)
		}
	}
	for _, path := range r.Exists {
		if t.nodes[path] != nil && !forget {
			t.send(c, NodeCreated, path)
		} else {
			t.data.add(path, c)
		}
	}
	for _, path := range r.Children {
		n := t.nodes[path]
		switch {
		case forget:
			t.kids.add(path, c)
		case n == nil:
			t.send(c, NodeDeleted, path)
		case n.pzxid > r.Zxid:
			t.send(c, NodeChildrenChanged, path)
		default:
			t.kids.add(path, c)
		}
	}
}
