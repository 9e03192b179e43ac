// Package config reads the YAML files that people write: campaigns and gate policies.
//
// It is strict: a key that is not known, one given twice, a value of another kind and a second document are refused, with
// file, line and key. It knows nothing of what the files are about, and opens none.
package config
