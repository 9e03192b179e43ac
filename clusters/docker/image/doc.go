// Package image makes sure that the container images of a run exist on the engine.
//
// It owns what is inside the images (Debian, the Java runtime, ZooKeeper, the riven binary), how they are called, and
// when an old one may go. Everything is made through the engine's API, from a Debian image where the engine has or can
// pull one, else from nothing by debootstrap on this machine. What exists already is used again: names are derived
// from content, so a second call costs a few inspections.
//
// There are three kinds of image, all with the label riven=image:
//
//	riven-debian:<suite>              kind base: a bootstrapped Debian, only where none could be pulled
//	riven-zookeeper:<suite>-<recipe>  kind server: a ZooKeeper server as any user would pack one; knows nothing of riven
//	riven-node:<content>              kind node: any image (or none) with the riven binary on top as its entrypoint
//
// The package must not know what an agent, an ensemble or a run is, nor start a container that outlives a call.
package image
