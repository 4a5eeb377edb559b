"""SMS gateways that speak JSON over HTTPS, described by a profile: what is asked, signed and
answered. Nothing here connects to anything."""
