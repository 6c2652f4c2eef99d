// Package operator measures one operator with a thousand ChatClusters: how soon they are Ready, what it sends while nothing happens, how
// much memory it keeps, and how soon an edit has reached its last child.
//
// It runs on the local cluster (`make bench-operator`): its controllers and its scheduler are real, the pods are played by KWOK on
// a node that is none, and the operator and one NATS server are processes beside it. In goes the cluster's kubeconfig and its audit log; out
// come benchmark figures. What the operator sent is read from the audit log, where nothing can be forgotten.
package operator
