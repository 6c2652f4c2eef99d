// Package plan decides what a ChatCluster consists of in Kubernetes.
//
// In go a ChatCluster, what of the cluster around it matters (Observed), and the defaults of this release of the operator; out comes
// a Plan: every child object in the order in which it should be applied, the number of nodes, and the revision that pods are made
// with. Make is a pure function: it has no client and no clock, gives equal plans for equal inputs, and changes none of them.
//
// Each file describes one child, or one idea that several children share. Whoever applies, prunes and reports knows nothing of what
// the children are.
package plan
