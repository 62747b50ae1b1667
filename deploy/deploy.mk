# From a clone to a live endpoint. Needs Terraform and OCI credentials; POLICY=file.json is a policy of your own.
.PHONY: stack deploy destroy doctor

# It ends with doctor, which needs more than Python alone.
deploy: .venv/run
	@$(BIN)/python -m deploy apply $(if $(POLICY),--policy "$(POLICY)")

destroy:
	@$(PYTHON) -m deploy destroy

# The ZIP for Resource Manager.
stack:
	@$(PYTHON) -m deploy stack --zip dist/presign-stack.zip $(if $(POLICY),--policy "$(POLICY)")

# Diagnoses the stack, or with FUNCTION=OCID any function, and prints the fixes; DOCTOR= takes more options.
doctor: .venv/run
	@$(BIN)/python -m deploy doctor $(if $(FUNCTION),--function $(FUNCTION)) $(DOCTOR)
