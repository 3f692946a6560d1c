"""What starts runs across shops. What starts one shop's is made by ``components/automation.py``."""
