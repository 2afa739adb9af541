"""Linear networks: their exact dynamics, and gradient descent beside them."""
