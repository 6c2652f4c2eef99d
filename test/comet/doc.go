// Package comet tests the gateway for CppComet with real clients: MySQL drivers for Node, the mariadb command, HAProxy's check of MySQL
// servers, and WebSockets as the original's JavaScript client uses them, against real chat nodes.
package comet
