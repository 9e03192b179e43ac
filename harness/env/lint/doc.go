// Package lint holds recipes to env: it reports what would make a recipe's run depend on anything but its seed and its
// environment, so that it could not be simulated. That is the machine's clocks, goroutines, channels and locks, random
// numbers from elsewhere, the operating system, the order of maps, and state that incarnations share.
//
// It owns the rules; it knows no recipe.
package lint
