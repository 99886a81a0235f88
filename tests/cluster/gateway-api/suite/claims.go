package main

import "sigs.k8s.io/gateway-api/pkg/features"

// claims are the features that we say we have, beyond the core ones of the profiles; the suite tests each of them.
// Missing is MeshHTTPRouteRewritePath: what tells proxies of routes has no word for it (docs/decisions/0152).
var claims = []features.FeatureName{
	features.SupportMeshClusterIPMatching,
	features.SupportMeshConsumerRoute,
	features.SupportMeshHTTPRouteBackendRequestHeaderModification,
	features.SupportMeshHTTPRouteNamedRouteRule,
	features.SupportMeshHTTPRouteQueryParamMatching,
	features.SupportMeshHTTPRouteRedirectPath,
	features.SupportMeshHTTPRouteRedirectPort,
	features.SupportMeshHTTPRouteSchemeRedirect,
	// Of gateways, too; tests of meshes ask for them.
	features.SupportHTTPRouteParentRefPort,
	features.SupportHTTPRouteResponseHeaderModification,
	features.SupportHTTPRoute303RedirectStatusCode,
	features.SupportHTTPRoute307RedirectStatusCode,
	features.SupportHTTPRoute308RedirectStatusCode,
}
