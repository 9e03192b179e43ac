// Package maps is for the linter's tests.
package maps

import (
	"maps"
	"slices"
)

type set map[string]bool

func visit(m map[string]int, s set) {
	for range m { // want `range over a map: its order is random`
	}
	for range s { // want `range over a map: its order is random`
	}
	for range maps.Keys(m) { // want `maps.Keys in the map's own order`
	}
	_ = slices.Collect(maps.Values(m)) // want `maps.Values in the map's own order`
	for range maps.All(m) {            // want `maps.All in the map's own order`
	}
	keys := maps.Keys[map[string]int] // want `maps.Keys in the map's own order`
	_ = keys
}

type index map[string]int

type table interface{ map[string]int | index }

func generic[M table, L ~[]int](m M, l L) {
	for range m { // want `range over a map: its order is random`
	}
	for range l {
	}
}
