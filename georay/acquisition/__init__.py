"""From a list of cities to photographs: cities, sampling points on their roads, street views."""
