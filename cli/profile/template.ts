/** A ServiceProfile to edit: what may stand in one, each with what it is for. The name and namespace are DNS names. */
export function template(name: string, namespace: string): string {
  return `\
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata:
  # the DNS name that clients call the service by
  name: ${name}
  namespace: ${namespace}
spec:
  # A request belongs to the first route that it fits. Requests that fit none are counted as [DEFAULT].
  routes:
  - name: '/authors/{id}' # as metrics show the route
    # what fits: a method, a pattern of the whole path, or "all", "any" or "not" of such conditions
    condition:
      method: POST
      pathRegex: '/authors/\\d+'
    # how long a request may take, retries included
    # timeout: 300ms
    # whether a request may be sent again when it fails
    # isRetryable: true
    # what counts as a failure; without classes, statuses from 500 to 599
    responseClasses:
    - condition:
        status:
          min: 500
          max: 599
      isFailure: true
  # how many requests may be sent again
  # retryBudget:
  #   retryRatio: 0.2 # of the requests that are not retries
  #   minRetriesPerSecond: 10 # and this many more
  #   ttl: 10s # over which requests are counted
`;
}
