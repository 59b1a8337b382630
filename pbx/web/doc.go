// Package web is what everything over HTTP shares: the servers with and without
// encryption, their limits and headers, the API document, errors as RFC 9457
// problems, health, readiness and metrics. What there is to ask for is
// registered by the rooms that know it (webclient, admin) on Server.API.
package web
