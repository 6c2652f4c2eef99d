package browser_test

import (
	"testing"
)

func TestFleetPageShowsTheNode(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	openAs(t, browser, node.URL(), "ann")
	fleet := openPage(t, browser, node.URL()+"/fleet")
	fleet.wait("the node's row", `document.querySelectorAll('[data-testid="node"]').length === 1`)
	fleet.wait("ann's connection", `document.querySelector('[data-testid="node"] [data-label="Connections"]').textContent === "1"`)
	fleet.wait("the charts", `document.querySelectorAll('[data-testid="chart"] path.line').length === 4`)

	node.Kill()
	fleet.wait("the outage to be shown", `document.querySelector('[data-testid="fleet-unreachable"]') !== null`)
	node.Start()
	node.WaitReady()
	fleet.wait("the node to be back", `document.querySelector('[data-testid="fleet-state"]').dataset.state === "live"`)
}
