# From a clone to a live endpoint. Needs Terraform and OCI credentials; POLICY=file.json is a policy of your own.
.PHONY: stack deploy destroy doctor

deploy:
	@$(PYTHON) -m deploy apply $(if $(POLICY),--policy "$(POLICY)")

destroy:
	@$(PYTHON) -m deploy destroy

# The ZIP for Resource Manager.
stack:
	@$(PYTHON) -m deploy stack --zip dist/presign-stack.zip $(if $(POLICY),--policy "$(POLICY)")

doctor: .venv/run
	@$(BIN)/python -m deploy doctor --stack dist/stack
