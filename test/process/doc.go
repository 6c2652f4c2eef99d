// Package process runs the real programs that tests and benchmarks need:
// nats-server, alone or as a cluster, and chatnode. A test asks for a program
// and gets its addresses and the means to kill, stop, pause and restart it, by
// process id. In goes the repository's own module, from which both are built;
// out come child processes on free loopback ports.
//
// Nothing outlives the test: a cleanup kills the process, and the kernel does
// when the test binary itself dies (Linux). Every wait has a deadline. When the
// test failed, the end of each program's log is printed. A program that ended
// without being asked to, or that reported a data race, fails the test.
//
// Functions and methods may be called from any goroutine, except those that
// start something or wait for readiness: they end the test with Fatal on
// failure and so belong to the test's own goroutine.
package process
