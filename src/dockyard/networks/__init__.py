"""Networks: namespaces, a bridge per root, addresses, published ports, and the firewall."""
