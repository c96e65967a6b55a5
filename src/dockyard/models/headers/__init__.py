"""What files of weights say of themselves in their first bytes. Pure, bounded, never an error:
what makes no sense says nothing.
"""
