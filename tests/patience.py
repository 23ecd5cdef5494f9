"""How long tests wait for what another process does; only a failure waits that long, however busy the machine is."""

SECONDS = 180
MILLISECONDS = 1000 * SECONDS
