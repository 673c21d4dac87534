"""Pages of approvals: requests, delegations, policies."""
