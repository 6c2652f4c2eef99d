// Package imports has no product code: its tests read the import graph of the
// module and compare it with the rules of the architecture and with the
// committed list of third-party modules that chatnode carries.
package imports
