# From a clone to a live endpoint. Needs Terraform and OCI credentials. ENV= is the environment, whose files are in
# environments/$(ENV); POLICY=file.json is a policy of your own, ARCHIVE=function.zip the archive of a release.
.PHONY: preflight plan deploy rotate destroy stack doctor

ENV ?= production
# AUTO_APPROVE=1 says yes, and nothing else does; CONFIRM= has the words for what can't be undone.
APPROVAL = $(if $(filter 1,$(AUTO_APPROVE)),--auto-approve) $(if $(CONFIRM),--confirm "$(CONFIRM)")
VERSION = $(if $(POLICY),--policy "$(POLICY)") $(if $(ARCHIVE),--archive "$(ARCHIVE)")

# Tells all that is missing; it needs Python alone, and comes before all that takes time.
preflight:
	@$(NEEDS_PYTHON)
	@$(PYTHON) -m deploy preflight --env "$(ENV)"

plan: preflight .venv/run
	@$(BIN)/python -m deploy plan --env "$(ENV)" $(VERSION)

# It ends with doctor, which needs more than Python alone.
deploy: preflight .venv/run
	@$(BIN)/python -m deploy apply --env "$(ENV)" $(VERSION) $(APPROVAL)

# SECRET=gateway replaces the gateway secret instead of the key that signs.
rotate: preflight .venv/run
	@$(BIN)/python -m deploy rotate --env "$(ENV)" $(if $(SECRET),--secret "$(SECRET)") $(APPROVAL)

destroy: preflight .venv/run
	@$(BIN)/python -m deploy destroy --env "$(ENV)" $(APPROVAL)

# The ZIP for Resource Manager.
stack:
	@$(NEEDS_PYTHON)
	@$(PYTHON) -m deploy stack --zip dist/presign-stack.zip $(VERSION)

# Diagnoses the environment, or with FUNCTION=OCID any function, and prints the fixes; DOCTOR= takes more options.
doctor: .venv/run
	@$(BIN)/python -m deploy doctor $(if $(FUNCTION),--function $(FUNCTION),--env "$(ENV)") $(DOCTOR)
